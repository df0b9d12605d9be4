const MarkdownIt = require("markdown-it");

const markdown = new MarkdownIt({ html: false, linkify: true });
markdown.renderer.rules.em_open = () => "<i>";
markdown.renderer.rules.em_close = () => "</i>";

exports.toHtml = (text) => markdown.render(text);

console.log(exports.toHtml("# Hi *you*").trim());

import accepts from "accepts";

export function answer(request, body) {
  switch (accepts(request).type(["json", "html"])) {
    case "json":
      return JSON.stringify(body);
    case "html":
      return `<pre>${JSON.stringify(body)}</pre>`;
    default:
      return String(body);
  }
}

console.log(answer({ headers: { accept: "text/html" } }, { a: 1 }));

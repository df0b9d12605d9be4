import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";

export const page = (title) => renderToStaticMarkup(createElement("h1", null, title));

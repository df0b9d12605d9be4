/** What triage adds to the dashboard: pages, and its results as a person reads them. */
import type { ApplicationPages } from "../../index.ts";
import { repositoriesPage } from "./repositories.ts";
import { verdictView } from "./verdict-view.ts";

export const TRIAGE_PAGES: ApplicationPages = {
  pages: [repositoriesPage],
  showResult: ({ result }) => verdictView(result),
};

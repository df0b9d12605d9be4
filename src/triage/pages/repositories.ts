/** Repositories: who depends on whom, what the last change came to, and what one would touch. */
import { z } from "zod";
import {
  definePage,
  emptyState,
  type Html,
  html,
  jsonView,
  momentView,
  type PageContext,
  serializePayload,
  shownLine,
  table,
  withQuery,
} from "../../index.ts";
import { changeNotification } from "../notification/change-notification.ts";
import { childTask } from "../notification/dependents.ts";
import { type Edge, listEdges } from "../page-store.ts";
import { type Dependent, dependentsOf, RELATIONSHIP_TYPES, repositoryNames } from "../store.ts";
import { GRAPH_EDGES_MAX, GRAPH_NODES_MAX, graphView, layoutOf } from "./graph-view.ts";
import { addForm, edgeForms, RELATIONSHIP_ACTIONS, TYPE_WORDS } from "./relationship-actions.ts";

/** Relationships of one page: each has a form with its configuration. */
const ROWS = Math.min(50, GRAPH_EDGES_MAX);
/** Names that the field for a repository completes. */
const NAMES_MAX = 300;
const RepoName = z.string().trim().min(1).max(200);

const Query = z.strictObject({
  repo: RepoName.optional(),
  /** Where the page before ended: source, target and type, as JSON. */
  after: z.string().max(1_000).optional(),
  /** Of a notification that is tried. */
  commit: z.string().trim().min(1).max(200).optional(),
  branch: z.string().trim().min(1).max(200).optional(),
  message: z.string().trim().min(1).max(2_000).optional(),
});
type Query = z.output<typeof Query>;

export const repositoriesPage = definePage({
  path: "/repositories",
  nav: "Repositories",
  params: z.object({}),
  query: Query,
  show: async (context, { query }) => {
    const { repo = null } = query;
    const told = await context.read("repositories", async (db) => ({
      edges: await listEdges(db, { repo, after: placeIn(query.after), limit: ROWS }),
      names: await repositoryNames(db, NAMES_MAX),
      dependents: repo === null ? [] : await dependentsOf(db, repo),
    }));
    const { edges, names, dependents } = told;
    return {
      title: repo === null ? "Repositories" : `Repositories: ${repo.slice(0, 100)}`,
      main: html`<datalist id="repositories">${names.map((name) => html`<option value="${name}"></option>`)}</datalist>
        ${searchView(repo)}
        ${edges.length === 0 ? emptyView(repo) : drawingView(edges, repo)}
        ${repo !== null && touchedView(context, repo, dependents, query)}
        ${edges.length > 0 && edgesView(context, edges)}
        ${addForm(context, repo ?? "")}`,
    };
  },
  actions: RELATIONSHIP_ACTIONS,
});

const Place = z.tuple([z.string(), z.string(), z.enum(RELATIONSHIP_TYPES)]);

/** Null for the first page, and for what is no place of ours. */
function placeIn(after: string | undefined) {
  try {
    const place = Place.safeParse(JSON.parse(after ?? "null")).data;
    return place === undefined
      ? null
      : { source_repo: place[0], target_repo: place[1], relationship_type: place[2] };
  } catch {
    return null;
  }
}

function addressOf(repo: string): string {
  return `/ui/repositories?${new URLSearchParams({ repo }).toString()}`;
}

function searchView(repo: string | null): Html {
  return html`<form class="fields" method="get" action="/ui/repositories" role="search">
    <label>Repository<input name="repo" value="${repo ?? ""}" list="repositories" placeholder="owner/name" autocomplete="off"></label>
    <div class="buttons"><button>Show</button>${repo !== null && html`<a class="button" href="/ui/repositories">Show all</a>`}</div>
  </form>`;
}

function emptyView(repo: string | null): Html {
  return repo === null
    ? emptyState(
        "No relationship is registered yet.",
        html`Add one below, or import a file: <code>triaged relationships import relationships.json</code>.`,
      )
    : emptyState(
        `${repo} has no relationships.`,
        "A change of it concerns nobody, as far as it is known here.",
      );
}

/** What is drawn is what the table below has: a page of it, as far as a drawing has room. */
function drawingView(edges: readonly Edge[], selected: string | null): Html {
  const names = new Set<string>();
  const drawn = edges.filter(({ source_repo: source, target_repo: target }) => {
    const added = [source, target].filter((name) => !names.has(name));
    if (names.size + added.length > GRAPH_NODES_MAX) return false;
    for (const name of added) names.add(name);
    return true;
  });
  const layout = layoutOf(
    [...names],
    drawn.map((edge) => ({
      source: edge.source_repo,
      target: edge.target_repo,
      isFork: edge.relationship_type === "template_fork",
      look:
        edge.verdict === null ? null : edge.verdict.requires_action ? edge.verdict.urgency : "none",
    })),
  );
  return html`<section class="card" aria-labelledby="graph"><h2 id="graph">Who depends on whom</h2>
    ${graphView(layout, { addressOf, selected })}
    <ul class="legend" aria-hidden="true"><li class="critical">critical</li><li class="high">high</li><li class="medium">medium or low</li><li class="none">no action</li><li class="unknown">no verdict yet</li></ul>
    ${drawn.length < edges.length && html`<p class="hint">${drawn.length} of the ${edges.length} relationships below are drawn. Choose a repository to see those around it.</p>`}
  </section>`;
}

const ROLE_WORDS: Readonly<Record<Dependent["role"], string>> = {
  consumer: "uses it",
  derivative: "is a copy of it",
  parent: "is the template that it was made of",
};

/** Whom a change of the repository concerns: a notification tried, with nothing written. */
function touchedView(
  context: PageContext,
  repo: string,
  dependents: readonly Dependent[],
  query: Query,
): Html {
  const row = (one: Dependent) => html`<tr>
    <th scope="row"><a href="${addressOf(one.target_repo)}">${shownLine(one.target_repo, 100)}</a></th>
    <td>${ROLE_WORDS[one.role]}</td>
    <td>${shownLine(one.task_type, 100)}</td>
    <td>${payloadView(context, repo, one, query)}</td>
  </tr>`;
  const { commit, branch, message } = query;
  const isTried = commit !== undefined;
  return html`<section class="card" aria-labelledby="touched">
    <h2 id="touched">A change of ${shownLine(repo, 100)} would touch</h2>
    ${table({
      label: "Whom a change concerns",
      head: ["Repository", "Because it", "Task", isTried ? "It would be given" : "Payload"],
      rows: dependents.map(row),
      empty: emptyState(
        "Nobody: no repository depends on it.",
        "A notification of its changes would end with no tasks.",
      ),
    })}
    <form class="fields" method="get" action="/ui/repositories">
      <input type="hidden" name="repo" value="${repo}">
      <label>Commit<input name="commit" required maxlength="200" value="${commit ?? ""}" placeholder="1a2b3c4"></label>
      <label>Branch<input name="branch" maxlength="200" value="${branch ?? "main"}"></label>
      <label>Message<input name="message" maxlength="2000" value="${message ?? ""}"></label>
      <div class="buttons"><button>Try a notification</button></div>
    </form>
    <p class="hint" role="status">${isTried ? `Tried: ${dependents.length} tasks would be enqueued. Nothing was.` : "Trying a notification shows the tasks that it would enqueue, and enqueues none."}</p>
  </section>`;
}

/** The task that a notification would enqueue, as its handler makes it. */
function payloadView(
  context: PageContext,
  repo: string,
  dependent: Dependent,
  query: Query,
): Html | string {
  const { commit, branch = "main", message = "tried in the dashboard" } = query;
  if (commit === undefined) return "–";
  const event = { source_repo: repo, commit_sha: commit, commit_message: message, branch };
  const parsed = changeNotification.safeParse(event);
  if (!parsed.success) {
    return parsed.error.issues.map(({ message: issue }) => issue).join("; ");
  }
  const { payload } = childTask(parsed.data, dependent, {
    parent: { queue: "default", metadata: {} },
    baseSha: null,
  });
  return jsonView(context.redact(JSON.parse(serializePayload(payload))));
}

function edgesView(context: PageContext, edges: readonly Edge[]): Html {
  const last = edges.at(-1);
  const next =
    edges.length < ROWS || last === undefined
      ? null
      : JSON.stringify([last.source_repo, last.target_repo, last.relationship_type]);
  const { url } = context;
  return html`<section class="card" aria-labelledby="edges"><h2 id="edges">Relationships</h2>
    ${table({
      label: "Relationships and their last verdicts",
      head: ["Target", "Depends on", "As", "Last verdict", "Actions"],
      rows: edges.map((edge) => edgeView(context, edge)),
    })}
    ${
      (next !== null || url.searchParams.has("after")) &&
      html`<nav class="pages" aria-label="Pages of the relationships">
      ${url.searchParams.has("after") && html`<a href="${withQuery(url, { after: null })}">First</a>`}
      ${next !== null && html`<a href="${withQuery(url, { after: next })}" rel="next">Next</a>`}
    </nav>`
    }
  </section>`;
}

function edgeView(context: PageContext, edge: Edge): Html {
  const { source_repo: source, target_repo: target } = edge;
  return html`<tr>
    <th scope="row"><a href="${addressOf(target)}">${shownLine(target, 100)}</a></th>
    <td><a href="${addressOf(source)}">${shownLine(source, 100)}</a></td>
    <td>${TYPE_WORDS[edge.relationship_type]}</td>
    <td class="long">${lastVerdictView(edge)}</td>
    <td>${edgeForms(context, edge)}</td>
  </tr>`;
}

function lastVerdictView({ verdict, target_repo: repo }: Edge): Html {
  const tasks = `/ui/tasks?${new URLSearchParams({ repo }).toString()}`;
  if (verdict === null) {
    return html`<span class="quiet">none in the last days</span> <a href="${tasks}">tasks</a>`;
  }
  return html`<strong class="urgency ${verdict.requires_action ? verdict.urgency : "none"}">${verdict.requires_action ? `${verdict.urgency}: action is needed` : "no action is needed"}</strong>
    <p>${shownLine(verdict.impact_summary)}</p>
    <p class="quiet">${Math.round(verdict.confidence * 100)} % confidence, ${momentView(verdict.created_at)}, <a href="${tasks}">tasks</a></p>`;
}

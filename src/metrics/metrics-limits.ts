/** What metrics take at most, of the database and of whoever stores them. */
export const METRICS_LIMITS = {
  /** Combinations of queue and task type, or of task type and cause; the rest is `other`. */
  taskLabels: 100,
  /** Names of statements, jobs, standbys, … which code or operators choose. */
  names: 50,
  /** The database is asked at most so often, however many scrape. */
  figuresEveryMs: 5_000,
  /** A statement of these that takes longer is cancelled. */
  figuresStatementMs: 2_000,
  /** Pending effects are counted up to here. */
  effects: 10_000,
  /** Of a process without a door of its own: connections, and time of a request. */
  connections: 20,
  requestMs: 5_000,
} as const;

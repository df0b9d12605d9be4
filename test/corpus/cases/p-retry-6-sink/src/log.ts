export function logProblem(problem: unknown): void {
  console.error(problem instanceof Error ? problem.message : JSON.stringify(problem));
}

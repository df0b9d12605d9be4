import delay from "delay";

export async function until(isDone: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await isDone())) {
    await delay(250, { signal });
  }
}

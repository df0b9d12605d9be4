import delay from "delay";

export function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const deadline = delay.reject(ms, { value: new Error(`took longer than ${ms} ms`) });
  return Promise.race([work, deadline]) as Promise<T>;
}

import pTimeout, { TimeoutError } from "p-timeout";

export async function answerOf(url: string): Promise<string> {
  try {
    const response = await pTimeout(fetch(url), 2_000, "the service took too long");
    return await response.text();
  } catch (error) {
    if (error instanceof TimeoutError) return "";
    throw error;
  }
}

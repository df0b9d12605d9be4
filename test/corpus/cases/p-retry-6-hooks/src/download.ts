import pRetry, { AbortError } from "p-retry";

export async function download(url: string): Promise<ArrayBuffer> {
  return pRetry(
    async () => {
      const response = await fetch(url);
      if (response.status === 404) throw new AbortError(`not found: ${url}`);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.arrayBuffer();
    },
    {
      retries: 5,
      onFailedAttempt: (error) => {
        console.warn(`attempt ${error.attemptNumber} failed: ${error.message}`);
      },
    },
  );
}

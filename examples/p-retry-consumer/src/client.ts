import pRetry, { AbortError, type FailedAttemptError } from "p-retry";

/** Fetch a page, with three retries; a 404 is final. */
export function fetchPage(url: string): Promise<string> {
  return pRetry(
    async () => {
      const response = await fetch(url);
      if (response.status === 404) throw new AbortError(`${url} is not there`);
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      return response.text();
    },
    {
      retries: 3,
      onFailedAttempt: reportFailure,
      shouldRetry: (error) => error.name !== "RangeError",
    },
  );
}

function reportFailure(error: FailedAttemptError): void {
  console.warn(`${error.message}, ${error.retriesLeft} tries left`);
}

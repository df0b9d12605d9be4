import pRetry, { AbortError } from "p-retry";

export function upload(url: string, body: string): Promise<Response> {
  const attempt = async () => {
    const response = await fetch(url, { method: "PUT", body });
    if (response.status === 403) throw new AbortError("forbidden");
    if (!response.ok) throw new Error(response.statusText);
    return response;
  };
  return pRetry(attempt, { retries: 3, minTimeout: 200 });
}

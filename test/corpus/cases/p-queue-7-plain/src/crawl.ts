import PQueue from "p-queue";

const queue = new PQueue({ concurrency: 4, interval: 1_000, intervalCap: 10 });

export async function crawl(urls: string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const url of urls) {
    void queue.add(async () => {
      const { status } = await fetch(url);
      statuses.push(status);
    });
  }
  await queue.onIdle();
  return statuses;
}

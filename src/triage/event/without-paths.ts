type Event = Readonly<Record<string, unknown>>;

/**
 * An event without the folders that it names on the worker's own machine. Who enqueues a
 * triage may name some; who sends an event is a stranger, and could have any folder compared.
 */
export function withoutPaths(event: Event): Event {
  const { package: upgrade } = event;
  if (typeof upgrade !== "object" || upgrade === null) return event;
  const published = Object.entries(upgrade).filter(
    ([key]) => key !== "from_path" && key !== "to_path",
  );
  return { ...event, package: Object.fromEntries(published) };
}

import { nanoid } from "nanoid/async";

const sessions = new Map<string, { user: string; since: Date }>();

export async function openSession(user: string): Promise<string> {
  const id = await nanoid();
  sessions.set(id, { user, since: new Date() });
  return id;
}

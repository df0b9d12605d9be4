import { sessions } from "./cache.js";

export function signOutAll(): void {
  sessions.reset();
}

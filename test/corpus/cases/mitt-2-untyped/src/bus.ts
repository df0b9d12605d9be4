import mitt, { type Emitter } from "mitt";

export const bus: Emitter = mitt();

export function onSaved(listener: (id: string) => void): () => void {
  bus.on<string>("saved", (id) => listener(id ?? ""));
  return () => bus.all.clear();
}

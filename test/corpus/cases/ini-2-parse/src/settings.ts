import ini from "ini";

export type Settings = { readonly port: number };

export function readSettings(text: string): Settings {
  const { server = {} } = ini.parse(text);
  return { port: Number(server.port ?? 80) };
}
export const writeSettings = ({ port }: Settings): string => ini.stringify({ server: { port } });

console.log(readSettings("[server]\nport=8080").port, writeSettings({ port: 1 }).trim());

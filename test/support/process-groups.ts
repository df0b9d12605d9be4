import { readdir, readFile } from "node:fs/promises";

type Process = { readonly pid: number; readonly parent: number; readonly group: number };

/** The process groups that a process has started and that are not its own. Linux alone. */
export async function groupsBelow(pid: number): Promise<number[]> {
  const all = await processes();
  const own = all.find((one) => one.pid === pid)?.group;
  const groups = all.filter(({ parent }) => parent === pid).map(({ group }) => group);
  return [...new Set(groups)].filter((group) => group !== own);
}

/** What runs in a group, by the names of the programs. */
export async function namesIn(group: number): Promise<string[]> {
  const members = (await processes()).filter((one) => one.group === group);
  const names = members.map(({ pid }) =>
    readFile(`/proc/${pid}/comm`, "utf8").then(
      (name) => [name.trim()],
      () => [],
    ),
  );
  return (await Promise.all(names)).flat().toSorted();
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = pids.map(async (pid): Promise<Process[]> => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat === "") return [];
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z"
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
  });
  return (await Promise.all(read)).flat();
}

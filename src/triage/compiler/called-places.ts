import type { Fence } from "../fence.ts";
import type { PackagePair } from "../package/locate.ts";

/** Folders of the worker, the longest first, and what they are called to others. */
export type CalledPlaces = readonly (readonly [folder: string, label: string])[];

type Known = { readonly pair: PackagePair; readonly root: string; readonly fence: Fence };

/** Every folder that the compiler may name: it has seen no other. */
export function placesIn({ pair, root, fence }: Known): CalledPlaces {
  const labels = new Map([
    ...fence.folders.map((folder) => [folder, labelOf(folder)] as const),
    ...[pair.from, pair.to].map(
      ({ directory, manifest }) => [directory, `${manifest.name}@${manifest.version}`] as const,
    ),
    [root, "."],
  ]);
  return [...labels].toSorted(([left], [right]) => right.length - left.length);
}

/** A text of the compiler in which no folder of the worker is named. */
export function called(text: string, places: CalledPlaces): string {
  return places.reduce((told, [folder, label]) => {
    const inside = label === "." ? "" : `${label}/`;
    return told.replaceAll(`${folder}/`, () => inside).replaceAll(folder, () => label);
  }, text);
}

/** By what is installed there; of other folders nobody needs to know the name. */
function labelOf(folder: string): string {
  const at = folder.lastIndexOf("/node_modules");
  return at === -1 ? "…" : folder.slice(at + 1);
}

import type { ReactNode } from "react";

type Props = { label: string; children?: ReactNode };

export function badge({ label, children }: Props): JSX.Element {
  return <span title={label}>{children}</span>;
}

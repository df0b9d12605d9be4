import { useEffect, useRef, useState } from "react";

export function Timer({ seconds }: { seconds: number }) {
  const timer = useRef<number>();
  const [left, setLeft] = useState(seconds);

  useEffect(() => {
    timer.current = window.setInterval(() => setLeft((now) => now - 1), 1_000);
    return () => window.clearInterval(timer.current);
  }, []);
  return <time>{left}</time>;
}

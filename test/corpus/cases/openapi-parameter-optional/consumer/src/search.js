const base = "http://source:3000";

export const search = async (words) =>
  (await fetch(`${base}/v1/search?q=${encodeURIComponent(words)}`)).json();

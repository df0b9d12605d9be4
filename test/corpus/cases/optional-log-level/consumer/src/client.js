const base = "http://source:3000";

export const orders = async () => (await fetch(`${base}/orders`)).json();

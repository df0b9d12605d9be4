const base = process.env.ORDERS_URL ?? "http://orders:3000";

export const orders = async () => (await fetch(`${base}/orders`)).json();

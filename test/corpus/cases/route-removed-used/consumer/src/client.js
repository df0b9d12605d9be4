const base = "http://source:3000";

export const order = async (id) => (await fetch(`${base}/v1/orders/${id}`)).json();

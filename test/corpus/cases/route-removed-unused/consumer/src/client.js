const base = "http://source:3000";

export const customers = async () => (await fetch(`${base}/v1/customers`)).json();

import _ from "lodash";

type Order = { customer: string; total: number };

export const byCustomer = (orders: Order[]): [string, number][] =>
  _.map(_.groupBy(orders, "customer"), (own, customer) => [customer, _.sumBy(own, "total")]);

/** As it is shipped: for the hostile repositories. */
export { default } from "../../../tasks/consumer_triage.ts";

/** As it is shipped: for events that are garbage. */
export { default } from "../../../tasks/change_notification.ts";

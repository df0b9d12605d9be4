import { PermanentError } from "../outcome.ts";

/** A payload or a result that is not what the handler declares, or cannot be stored. */
export class InvalidData extends PermanentError {}

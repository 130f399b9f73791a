import { prefs } from "../lib/prefs";
import { Connection } from "./connection";

/** The one connection of this page. */
export const connection = new Connection();

// A page that has been asked to notify must hear of everything.
connection.wanted = () => prefs.get().notify;

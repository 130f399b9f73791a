import { prefs } from "../lib/prefs";
import { Connection } from "./connection";

export const connection = new Connection();

// With notifications on, a hidden page still needs the stream.
connection.wanted = () => prefs.get().notify;

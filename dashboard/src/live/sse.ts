/** One event of a stream. */
export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/**
 * Parses `text/event-stream` as it arrives, in pieces of any size. The browser's own
 * EventSource hides comments and the status of a refusal, and cannot start at an id; the
 * page needs all three.
 */
export class EventParser {
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  /** The events that this piece completes. */
  push(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) {
          const data = this.#data.join("\n");
          events.push({ id: this.#id, event: this.#event || "message", data });
        }
        this.#event = "";
        this.#data = [];
      } else if (!line.startsWith(":")) {
        this.#field(line);
      }
    }
    return events;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id") this.#id = value;
  }
}

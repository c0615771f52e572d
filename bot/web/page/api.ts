// Belay's own API, as seen from its page.

/** A refusal in the server's words: what, why, and what to do next. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly detail: string,
    readonly hint: string,
  ) {
    super(title);
  }
}

async function answer(response: Response): Promise<unknown> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  if (response.ok) return body;
  const told = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof told[name] === "string" ? told[name] : "");
  throw new Problem(response.status, text("code"), text("title") || `Belay answered ${response.status}`, text("detail"), text("hint"));
}

async function call(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(30_000) });
  } catch {
    throw new Problem(0, "unreachable", "Belay does not answer", "The request did not come through.", "Check your connection and try again. Nothing was lost.");
  }
  return answer(response);
}

export const get = (path: string): Promise<unknown> => call(path, { method: "GET" });

export const post = (path: string, body: object): Promise<unknown> =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const key = (): string => new URLSearchParams(location.search).get("key") ?? "";

/** An API path of proposal ref, with the read key that the page's own address carries. */
export function proposalPath(ref: string, rest = "", query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query);
  if (key()) search.set("key", key());
  const text = search.toString();
  return `/api/v1/proposals/${encodeURIComponent(ref)}${rest}${text ? `?${text}` : ""}`;
}

const firstPause = 2_000; // milliseconds until a stream that ended for good is opened anew
const longestPause = 30_000;

/**
 * Calls changed when something that this page may know of has changed, and live with whether it would be told. A browser opens a
 * stream that breaks again by itself, but not one that was answered with an error, as a proxy does while Belay starts anew: that
 * is done here. What happened in between is not told, so that whoever comes back is told to look.
 */
export function watch(changed: (proposal: string) => void, live: (on: boolean) => void): void {
  let pause = firstPause;
  let missed = false;
  const heard = (event: MessageEvent<string>): void => {
    const { id } = JSON.parse(event.data) as { id?: string };
    changed(id ?? "");
  };
  const open = (): void => {
    const source = new EventSource(`/api/v1/events${key() ? `?key=${encodeURIComponent(key())}` : ""}`);
    for (const kind of ["proposal", "timelock", "resync"]) source.addEventListener(kind, heard);
    source.addEventListener("open", () => {
      live(true);
      pause = firstPause;
      if (missed) changed("");
      missed = false;
    });
    source.addEventListener("error", () => {
      live(false);
      missed = true;
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(open, pause);
      pause = Math.min(2 * pause, longestPause);
    });
  };
  open();
}

const shortBreak = 3_000; // milliseconds: a browser opens a broken stream again by itself, and nobody needs to know
let away: ReturnType<typeof setTimeout> | undefined;

/** Says in the page's head whether it follows by itself, and in a sentence that Belay does not answer. */
export function showLive(on: boolean): void {
  const mark = document.getElementById("live");
  if (!mark) return;
  mark.textContent = on ? "Live" : "Reconnecting…";
  mark.className = on ? "live on" : "live";
  const tell = (): void => { document.getElementById("away")?.toggleAttribute("hidden", on); };
  if (!on) {
    away ??= setTimeout(tell, shortBreak); // from the first try that failed
    return;
  }
  clearTimeout(away);
  away = undefined;
  tell();
}

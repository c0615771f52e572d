// Elements without markup: everything that a page shows is made here, text only ever as text.
import { clean } from "./words";

type Child = Node | string | false | null | undefined;
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

/** Makes an element. Attributes whose value is a function are listeners; false leaves one away. */
export function el(tag: string, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false) node.setAttribute(name, value);
  }
  append(node, children);
  return node;
}

export function append(node: Element, children: Child[]): void {
  for (const child of children) {
    if (child === false || child === null || child === undefined || child === "") continue;
    node.append(typeof child === "string" ? clean(child) : child);
  }
}

export const fragmentOf = (...children: Child[]): DocumentFragment => {
  const all = document.createDocumentFragment();
  for (const child of children) if (child instanceof Node) all.append(child);
  return all;
};

export const p = (text: string, className = ""): HTMLElement => el("p", className ? { class: className } : {}, text);

/** Hex in groups of four, each in an element of its own, so that eyes find their place and a copy has no gaps. */
export function hex(text: string): HTMLElement {
  const plain = clean(text);
  const rest = plain.startsWith("0x") ? plain.slice(2) : plain;
  const groups = plain.startsWith("0x") ? ["0x"] : [];
  for (let i = 0; i < rest.length; i += 4) groups.push(rest.slice(i, i + 4));
  return el("span", { class: "hex" }, ...groups.map((g) => el("span", {}, g)));
}

/** A call in words breaks between its parts rather than inside a name. */
const breakable = (text: string): Child[] => text.split(/(?<=[.(])(?=\w)/).flatMap((part, i) => (i === 0 ? [part] : [el("wbr"), part]));

/** A sentence with its addresses and hashes set apart. */
export const sentenceOf = (text: string, className: string): HTMLElement =>
  el("p", { class: className }, ...clean(text).split(/(0x[0-9a-fA-F]{40,})/).map((part, i) => (i % 2 === 1 ? [el("code", {}, part)] : breakable(part))).flat());

/** A list of labelled values; rows without a value are left out. */
export function facts(...rows: ([string, Child] | false | undefined)[]): HTMLElement {
  const list = el("dl", { class: "facts" });
  for (const row of rows) {
    if (!row || row[1] === "" || row[1] === null || row[1] === undefined || row[1] === false) continue;
    list.append(el("div", {}, el("dt", {}, row[0]), el("dd", {}, row[1])));
  }
  return list;
}

export const section = (title: string, ...children: Child[]): HTMLElement => el("section", {}, el("h2", {}, title), ...children);

/** Something that must not be missed: a word, then what it is about. */
export const alert = (word: string, ...children: Child[]): HTMLElement =>
  el("div", { class: "alert", role: "alert" }, el("p", { class: "word" }, word), ...children);

export const note = (text: string, className = "note"): HTMLElement => el("div", { class: className }, p(text));

/** Draws content anew, and leaves unfolded what was unfolded. */
export function redraw(where: HTMLElement, ...content: Child[]): void {
  const open = [...where.querySelectorAll("details")].map((d) => d.open);
  where.replaceChildren(fragmentOf(...content));
  where.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
}

export function copyButton(what: string, text: () => string): HTMLElement {
  const button = el("button", { type: "button", click: () => { void copy(); } }, `Copy ${what}`);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy it by hand";
    }
  }
  return button;
}

export function byId(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no element ${id}`);
  return node;
}

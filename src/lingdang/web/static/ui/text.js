/** What a catalogue says of a product, made fit to show: an attribute may be of any type. */

const LONGEST = 500;
const LONGEST_PROSE = 5000;

/** A text, a number or a list of them as one text; "" for anything else. */
export function text(value) {
  if (Array.isArray(value)) return text(value.filter(isPlain).map(plain).filter(Boolean).join(", "));
  return isPlain(value) ? shortened(plain(value)) : "";
}

const isPlain = (value) => typeof value === "string" || Number.isFinite(value);
const plain = (value) => String(value).trim();
const shortened = (said) => (said.length > LONGEST ? `${[...said.slice(0, LONGEST)].slice(0, -1).join("")}…` : said);

/** A long text as its paragraphs; none for anything that is no text. */
export const paragraphs = (value) =>
  typeof value === "string"
    ? value
        .slice(0, LONGEST_PROSE)
        .trim()
        .split(/\n\s*\n/)
        .filter(Boolean)
    : [];

/** A rating from above 0 to 10 with two digits, also where it is written as a text; else "". */
export function rating(value) {
  const figure = typeof value === "string" && value.trim() ? Number(value) : value;
  return Number.isFinite(figure) && figure > 0 && figure <= 10 ? figure.toFixed(2) : "";
}

/** `The Hunger Games (The Hunger Games, #1)` as its title and its series. */
export function split(title) {
  const whole = text(title);
  const parts = /^(.+?)\s*\(([^()]*#[^()]*)\)$/.exec(whole);
  return parts ? [parts[1], parts[2]] : [whole, ""];
}

/**
 * Texts in two languages, by area: `i18n/<area>.<lang>.js` exports a map of keys to texts. A text may name parameters
 * in braces, `{count}`, or be a function of them where a language bends its words.
 */

export const LANGUAGES = ["zh", "en"];

/** The tags that HTML and Intl know the languages by. */
export const TAGS = { zh: "zh-CN", en: "en" };

/** @type {Record<string, Record<string, string | ((given: object) => string)>>} */
const texts = { zh: {}, en: {} };
const loaded = new Map();

/** The language that the document was opened in. */
export const initialLanguage = () => (document.documentElement.lang.startsWith("zh") ? "zh" : "en");

/** Load areas of one language, each once. */
export async function loadTexts(lang, areas) {
  await Promise.all(areas.map((area) => loadArea(lang, area)));
}

function loadArea(lang, area) {
  const name = `${area}.${lang}`;
  if (!loaded.has(name)) {
    const loading = import(`./i18n/${name}.js`).then((module) => Object.assign(texts[lang], module.default));
    loading.catch(() => loaded.delete(name));
    loaded.set(name, loading);
  }
  return loaded.get(name);
}

/**
 * The function that speaks a language: `t(key, given)`. An unknown key is its own text.
 * @returns {(key: string, given?: object) => string}
 */
export function translator(lang) {
  return (key, given = {}) => {
    const text = texts[lang][key];
    if (text === undefined) return key;
    if (typeof text === "function") return text(given);
    return text.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
  };
}

/** A whole number with its language's separators; what is none is a dash. */
export const formatNumber = (lang, value) =>
  Number.isFinite(value) ? new Intl.NumberFormat(TAGS[lang]).format(value) : "–";

/** A moment (RFC 3339) as the reader's clock and language write it; what is none is a dash. */
export function formatTime(lang, moment) {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return "–";
  return new Intl.DateTimeFormat(TAGS[lang], { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** What a page asks the shop for, and what to show until it is there. */
import { html, useCallback, useEffect, useRef, useState } from "../html.js";
import { ProblemNotice } from "./notice.js";

/**
 * The answer of `ask`, asked anew when `inputs` change: `{data, problem, loading, again}`.
 * @param {() => Promise<any>} ask
 */
export function useLoad(ask, inputs) {
  const [state, setState] = useState({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let wanted = true;
    setState((before) => ({ data: before.data, loading: true }));
    ask().then(
      (data) => wanted && setState({ data, loading: false }),
      (problem) => wanted && setState({ problem, loading: false }),
    );
    return () => (wanted = false);
  }, [...inputs, turn]);
  return { ...state, again: useCallback(() => setTurn((n) => n + 1), []) };
}

/** The next page that has something: a page may be empty though another one follows. */
async function filled(ask, cursor) {
  const page = await ask(cursor);
  const isEnd = !page.nextCursor || page.nextCursor === cursor;
  return page.items.length > 0 || isEnd ? page : filled(ask, page.nextCursor);
}

/**
 * A list of the contract that grows page by page: `{items, problem, loading, hasMore, more, again}`.
 * @param {(cursor?: string) => Promise<{items: any[], nextCursor: string | null}>} ask
 */
export function usePages(ask, inputs) {
  const first = useLoad(() => filled(ask), inputs);
  const [grown, setGrown] = useState(null);
  const begun = useRef(null);
  useEffect(() => {
    begun.current = first.data;
    setGrown(null);
  }, [first.data]);
  const pages = grown ?? { items: first.data?.items ?? [], nextCursor: first.data?.nextCursor };
  const more = async () => {
    const list = begun.current;
    const grow = (grown) => list === begun.current && setGrown(grown); // another list may have been asked for since
    setGrown({ ...pages, problem: null, loading: true });
    try {
      const page = await filled(ask, pages.nextCursor);
      grow({ items: [...pages.items, ...page.items], nextCursor: page.nextCursor });
    } catch (problem) {
      grow({ ...pages, problem });
    }
  };
  return {
    items: pages.items,
    problem: first.problem ?? pages.problem,
    loading: first.loading || Boolean(pages.loading),
    hasMore: Boolean(pages.nextCursor),
    more,
    again: first.again,
  };
}

export const Loading = ({ t }) => html`<p class="loading" role="status">${t("shell.loading")}</p>`;

/** A list of `usePages`: what it is while it loads, when it is empty, and the way to more. */
export function Growing({ pages, empty, t, lang, children }) {
  if (pages.items.length === 0 && pages.loading) return html`<${Loading} t=${t} />`;
  return html`
    ${pages.items.length > 0 && children}
    ${
      pages.problem &&
      html`<${ProblemNotice} problem=${pages.problem} t=${t} lang=${lang}>
        <button class="button" onClick=${pages.again}>${t("shell.again")}</button>
      <//>`
    }
    ${pages.items.length === 0 && !pages.problem && empty}
    ${pages.hasMore && html`<p class="more"><button class="button" disabled=${pages.loading} onClick=${pages.more}>${t("shell.more")}</button></p>`}
  `;
}

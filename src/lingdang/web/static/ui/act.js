/** Something that the reader sets off and that runs once at a time, however often it is clicked. */
import { useRef, useState } from "../html.js";

/**
 * `[run, busy]`: `run` ignores calls while an earlier one goes on, and answers what `act` answers.
 * @param {(...given: any[]) => Promise<any>} act
 */
export function useAct(act) {
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const run = async (...given) => {
    if (running.current) return undefined;
    running.current = true;
    setBusy(true);
    try {
      return await act(...given);
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return [run, busy];
}

/** A refusal, of the server or of this client, told apart by its stable `code`. */
export class Problem extends Error {
  /**
   * @param {string} code as in the contract; of this client's own: connection_lost, order_altered, order_unknown,
   *   signed_out
   * @param {{status?: number, title?: string, detail?: string, retryAfter?: number}} [members] the problem's further
   *   members, as the contract names them
   */
  constructor(code, members = {}) {
    super(members.detail ?? code);
    const { status = 0, retryAfter } = members;
    Object.assign(this, { name: "Problem", code, status, retryAfter, members });
  }
}

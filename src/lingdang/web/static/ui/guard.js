/** What stands around a part of a page: when the part cannot be drawn, this says so, and the others stay. */
import { Component } from "../html.js";

/** Props: `of`, what is drawn (another one is tried anew), and `instead`, what is shown when that fails. */
export class Guard extends Component {
  static getDerivedStateFromError(error) {
    return { failed: true, error };
  }

  componentDidCatch(error) {
    console.warn("A part of the page could not be drawn:", error);
  }

  componentDidUpdate(before) {
    if (this.state.failed && before.of !== this.props.of) this.setState({ failed: false });
  }

  render({ children, instead }, { failed }) {
    return failed ? instead : children;
  }
}

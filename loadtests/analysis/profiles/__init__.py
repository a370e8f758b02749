"""Where requests spend their time: from looks at stacks to lines of code. PURE."""

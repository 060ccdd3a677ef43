package statement

// Version names this reader. It is stored with every result; a change of any
// rule, weight or grammar changes it.
const Version = "8"

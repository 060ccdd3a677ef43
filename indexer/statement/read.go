package statement

import "inwriting/indexer/message"

// Read reads m.
func Read(m *message.Message) Reading { return Reading{} }

"""What the tests of the document's page wait for."""

# The page's script has run and its connection is up; before that a message typed in it goes nowhere.
CHAT_IS_OPEN = "typeof ws !== 'undefined' && ws.readyState === WebSocket.OPEN"

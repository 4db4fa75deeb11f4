// ICUText

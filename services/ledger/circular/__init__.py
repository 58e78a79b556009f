"""The circular (通报): the feedback rates of many jurisdictions in one ranked table, and the files it is handed out as.

Pure: figures come in, bytes go out. ``table`` makes the rows, ``ranking`` their order, ``words`` and ``heading`` the
texts in Chinese and English, ``columns`` what stands in each column, and ``forms`` writes CSV, XLSX, JSON or HTML.
"""

print("majortom")

"""Our SFTP endpoint: accounts in which partners lay down and fetch files.

`endpoint` listens, `login` lets in, `session` answers, `tree` is what an account sees, `intake` takes what comes.
"""

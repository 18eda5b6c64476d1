"""Which medicine does a name mean, and what does it do beside azathioprine?"""

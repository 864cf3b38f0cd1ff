"""Apache Kafka in KRaft mode as a process of the embedded stack.

`KafkaServer` and `temporary` are in `server`. `python -m certify_stack.embedded.kafka fetch` prepares everything that the first
start would otherwise fetch and make.
"""

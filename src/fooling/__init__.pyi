from fooling.auditing.audit import AuditResult as AuditResult
from fooling.auditing.running import audit as audit
from fooling.classifiers.classifier import Classifier as Classifier
from fooling.classifiers.classifier_file import load_classifier as load_classifier
from fooling.messages import FoolingError as FoolingError

__version__: str
